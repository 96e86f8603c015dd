// What the browser remembers: decisions by run, and the reader's settings. The browser may refuse
// (private windows, full disks): then the page works on and says so.

const KEY = "mt-repair:";

export class Storage {
  constructor(run) {
    this.key = `${KEY}run:${run}`;
    this.works = true;
    this.rows = {}; // item id → decision in short; also of another run on the same text
  }

  /** What was remembered, as `Report.restore` takes it, or null. */
  load() {
    const found = read(this.key);
    if (!found?.decisions) return null;
    Object.assign(this.rows, found.decisions);
    const entries = Object.entries(found.decisions).map(([id, row]) => {
      if (!Array.isArray(row)) return [id, null];
      const [verdict, candidate, text, note, start, end] = row;
      return [id, { verdict, candidate, text, note, start, end }];
    });
    return { decisions: Object.fromEntries(entries), silenced: found.silenced };
  }

  /** Note what is decided on `items` now; taken back is null, which prevails over a file. */
  note(report, items) {
    for (const item of items) {
      if (!report.decisions.has(item.id)) {
        if (item.id in this.rows) this.rows[item.id] = null;
        continue;
      }
      const { verdict, candidate, text, note, start, end } = report.entry(item);
      this.rows[item.id] = [verdict, candidate, text, note, start, end];
    }
  }

  save(report) {
    this.works = write(this.key, { decisions: this.rows, silenced: report.silenced });
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
