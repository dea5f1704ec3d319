() => {
  const shown = (selector) => [...document.querySelectorAll(selector)].filter(
    (each) => each.offsetParent && getComputedStyle(each).display !== "inline");
  const name = (each) => `${each.className} ${each.id}: ${each.textContent.trim().replace(/\s+/g, " ")}`;
  const clipped = shown(
    ".tile, .tile span, .cell-head, .cell-head h3, .count, .counts, .verdict h1, .card h3, .card-head, .now, .services, " +
    ".services .name, .services .value, .infrastructure .name, .infrastructure a, .tools, .title, .month, .calm",
  ).filter((each) => each.scrollWidth > each.clientWidth + 1
    || (each.matches(".tile, .card-body, .panel") && each.scrollHeight > each.clientHeight + 4));

  // The title and the infrastructure stand in free cells of the map's grid.
  const boxes = shown(".verdict h1, .now time, .counts, .panel, .cell, .services, .title, .infrastructure, .tools, .banners");
  const overlapping = [];
  for (const [number, one] of boxes.entries()) {
    for (const other of boxes.slice(number + 1)) {
      const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) {
        overlapping.push(`${name(one)} / ${name(other)}`);
      }
    }
  }
  const page = document.documentElement;
  return {
    clipped: clipped.map((each) => `${name(each)} ${each.scrollWidth}>${each.clientWidth}`),
    overlapping,
    scrolls: [page.scrollWidth > innerWidth, page.scrollHeight > innerHeight],
  };
}
