// What the browser remembers: decisions by run, and the reader's settings. The browser may refuse
// (private windows, full disks): then the page works on and says so.

const KEY = "mt-repair:";

export class Storage {
  constructor(run) {
    this.key = `${KEY}run:${run}`;
    this.works = true;
    this.unknown = {}; // of another run on the same text: not shown, not lost
  }

  /** What was remembered, as `Report.restore` takes it, or null. */
  load() {
    const found = read(this.key);
    if (!found?.decisions) return null;
    const entries = Object.entries(found.decisions).map(([id, row]) => {
      if (!Array.isArray(row)) return [id, null];
      const [verdict, candidate, text, note, start, end] = row;
      return [id, { verdict, candidate, text, note, start, end }];
    });
    return { decisions: Object.fromEntries(entries), silenced: found.silenced };
  }

  /** Remember what was decided on `touched` item ids, in a short form: null is taken back. */
  save(report, touched) {
    const decisions = { ...this.unknown };
    for (const id of touched) {
      const item = report.byId.get(id);
      if (!report.decisions.has(id)) decisions[id] = null;
      else {
        const { verdict, candidate, text, note, start, end } = report.entry(item);
        decisions[id] = [verdict, candidate, text, note, start, end];
      }
    }
    this.works = write(this.key, { decisions, silenced: report.silenced });
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
