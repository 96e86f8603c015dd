// The keys, as data: the help sheet is this table. `code` is the place on the keyboard, so that
// the keys work under a Russian layout too.

export const KEYS = [
  { keys: ["j"], does: "next", says: "Next suggestion" },
  { keys: ["k"], does: "previous", says: "Previous suggestion" },
  { keys: ["n"], does: "nextUndecided", says: "Next undecided suggestion" },
  { keys: ["a"], does: "accept", says: "Accept the first alternative" },
  { keys: ["1", "2", "3", "4", "5"], does: "acceptNumbered", says: "Accept that alternative" },
  { keys: ["r"], does: "reject", says: "Keep the text as it is" },
  { keys: ["e"], does: "edit", says: "Write a text of your own" },
  { keys: ["s"], does: "skip", says: "Skip for now" },
  { keys: ["g"], does: "acceptLinked", says: "Accept all linked suggestions" },
  { keys: ["c"], does: "note", says: "Write a note" },
  { keys: ["u", "Ctrl+z"], does: "undo", says: "Undo" },
  { keys: ["Shift+U", "Ctrl+Shift+Z"], does: "redo", says: "Redo" },
  { keys: ["/"], does: "search", says: "Search" },
  { keys: ["f"], does: "filters", says: "Show or hide the filters" },
  { keys: ["x"], does: "reference", says: "Show or hide the reference" },
  { keys: ["Ctrl+s"], does: "save", says: "Export the decisions" },
  { keys: ["?"], does: "help", says: "Show these keys" },
];

/** The entry and the key name for a keyboard event, or null. Plain keys can be switched off. */
export function lookUp(event, single = true) {
  const modified = event.ctrlKey || event.metaKey;
  if (event.altKey || event.isComposing || (!modified && !single)) return null;
  const name = nameOf(event);
  for (const entry of KEYS) {
    if (entry.keys.includes(name)) return { entry, name };
  }
  return null;
}

function nameOf(event) {
  let key = event.key;
  // A letter that is not Latin stands for the Latin one on the same place of the keyboard.
  if (key.length === 1 && key > "\u007f") {
    const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
    if (letter) key = event.shiftKey ? letter : letter.toLowerCase();
    else if (event.code === "Slash") key = event.shiftKey ? "?" : "/";
  }
  // On the Russian layout the key of the slash types a full stop.
  if (event.code === "Slash" && (key === "." || key === ",")) key = event.shiftKey ? "?" : "/";
  const letter = /^[a-z]$/i.test(key);
  if (letter && (event.ctrlKey || event.metaKey)) {
    return event.shiftKey ? `Ctrl+Shift+${key.toUpperCase()}` : `Ctrl+${key.toLowerCase()}`;
  }
  if (event.ctrlKey || event.metaKey) return `Ctrl+${key}`;
  // Caps Lock alone must not change what a key does.
  if (letter) return event.shiftKey ? `Shift+${key.toUpperCase()}` : key.toLowerCase();
  return key;
}

/** How a key is written on the help sheet. */
export const keyName = (name) =>
  name.replace(/\+([a-z])$/, (_, k) => `+${k.toUpperCase()}`);
