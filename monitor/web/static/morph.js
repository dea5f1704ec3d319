// Turns one tree of elements into another with as few touches as possible, so that focus, selection and listeners stay.
"use strict";

// What the page's own scripts set on elements: the server knows nothing of it.
const OWN = new Set(["tabindex", "aria-pressed", "data-dim", "data-news", "open"]);

function morph(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!OWN.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!OWN.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const named = new Map();
  for (const child of old.children) if (child.id) named.set(child.id, child);
  let here = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    let match = wanted.id ? named.get(wanted.id) : alike(here, wanted) ? here : null;
    if (!match) {
      old.insertBefore(document.importNode(wanted, true), here);
      continue;
    }
    if (match === here) here = here.nextSibling;
    else old.insertBefore(match, here);
    if (match.nodeType === Node.ELEMENT_NODE) morph(match, wanted);
    else if (match.nodeValue !== wanted.nodeValue) match.nodeValue = wanted.nodeValue;
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

function alike(old, fresh) {
  return Boolean(old) && old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && !old.id;
}
