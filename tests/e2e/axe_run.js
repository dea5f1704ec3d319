axe.run().then((answer) => JSON.stringify(answer.violations.map((each) => ({
  id: each.id,
  impact: each.impact,
  nodes: each.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`),
}))))
