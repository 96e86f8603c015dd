// What the browser remembers: decisions by run, and the reader's settings. The browser may refuse
// (private windows, full disks): then the page works on and says so.

const KEY = "mt-repair:";

export class Storage {
  constructor(run) {
    this.key = `${KEY}run:${run}`;
    this.works = true;
  }

  load() {
    return read(this.key);
  }

  /** Remember decisions in a short form; `touched` are ids whose decision was taken back. */
  save(report, touched) {
    const decisions = Object.fromEntries(report.decisions);
    for (const id of touched) decisions[id] ??= { verdict: "pending" };
    this.works = write(this.key, { decisions, silenced: report.silenced, at: Date.now() });
    return this.works;
  }

  /** Call `changed` when another tab with the same report has decided something. */
  watch(changed) {
    addEventListener("storage", (event) => {
      if (event.key === this.key && event.newValue) changed(this.load());
    });
  }
}

export const settings = {
  get: (name, otherwise) => read(KEY + name) ?? otherwise,
  set: (name, value) => write(KEY + name, value),
};

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
