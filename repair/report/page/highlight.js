// Marks what the search found in the rows that are there, without touching their elements.

const NAME = "found";
let sought = "";
let root = null;
let due = 0;

const watcher = new MutationObserver(() => {
  due ||= requestAnimationFrame(mark);
});

/** Highlight `query` in the texts below `node`, and in rows that come later; "" ends it. */
export function highlight(node, query) {
  if (!CSS.highlights) return; // an older browser finds the segments all the same
  root = node;
  sought = query.toLowerCase();
  watcher.disconnect();
  CSS.highlights.delete(NAME);
  if (!sought) return;
  watcher.observe(node, { childList: true, subtree: true });
  mark();
}

function mark() {
  due = 0;
  const ranges = [];
  for (const text of root.querySelectorAll(".text")) {
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { data } = walker.currentNode;
      const lower = data.toLowerCase();
      // Where lower case has another length, its offsets would not fit.
      if (lower.length !== data.length) continue;
      for (let at = lower.indexOf(sought); at >= 0; at = lower.indexOf(sought, at + sought.length)) {
        ranges.push(new StaticRange({ startContainer: walker.currentNode, startOffset: at, endContainer: walker.currentNode, endOffset: at + sought.length }));
      }
    }
  }
  CSS.highlights.set(NAME, new Highlight(...ranges));
}
