// Draws the plots of a sweep for the home, strategy and battery that are chosen.

const TONES = ["run-0", "run-1", "run-2", "run-3", "price", "grid"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x"];
// Names of tariffs are anybody's and may be long.
const WHOLE_NAMES = { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 };
const unique = (values) => [...new Set(values)];

class SweepReport {
  constructor(contents) {
    Object.assign(this, contents);
    this.choice = { home: this.rows[0].home, strategy: this.asked[0], battery: null };
    this.choice.battery = this.ofHome().at(-1).battery;
  }

  ofHome() { return this.rows.filter((row) => row.home === this.choice.home); }

  tone(list, name) { return colour(TONES[list.indexOf(name) % TONES.length]); }

  get money() { return `${this.ofHome()[0].currency} per ${this.per}`; }

  runColour(run) {
    if (run === "no_battery") return colour("run-none");
    if (run === "self_consumption") return colour("run-plain");
    return run === "perfect_foresight" ? colour("text") : this.tone(this.asked, run);
  }

  drawSizes() {
    const tariffs = unique(this.rows.map((row) => row.tariff));
    const own = this.ofHome();
    const sizes = unique(own.map((row) => row.battery)).length === unique(own.map((row) => row.kwh)).length;
    const lines = tariffs.flatMap((tariff) => [this.choice.strategy, "perfect_foresight"].map((run) => {
      const found = own.filter((row) => row.tariff === tariff && row.strategy === run).sort((a, b) => a.kwh - b.kwh);
      const ceiling = run === "perfect_foresight";
      return {
        type: "scatter", mode: "lines+markers", name: tariff, legendgroup: tariff, showlegend: !ceiling,
        x: found.map((row) => (sizes ? row.kwh : row.battery)), y: found.map((row) => row.saved),
        text: found.map((row) => `${row.battery}, ${this.names[run]}`),
        line: { color: this.tone(tariffs, tariff), width: ceiling ? 1.4 : 2.6, dash: ceiling ? "dot" : "solid" },
        marker: { size: ceiling ? 4 : 8 }, hovertemplate: "%{text}: %{y:.2f}",
      };
    }));
    const xaxis = sizes
      ? { title: { text: "usable capacity, kWh" }, rangemode: "tozero", hoverformat: ".1f" }
      : { type: "category" };
    this.plot("sizes", lines, layout(narrow() ? 320 : 380, { legend: WHOLE_NAMES, axes: { xaxis, yaxis: { title: { text: `saved, ${this.money}` }, rangemode: "tozero" } } }));
  }

  drawTariffs() {
    const found = this.ofHome().filter((row) => row.battery === this.choice.battery);
    const runs = ["no_battery", "self_consumption", ...this.asked.filter((name) => name !== "self_consumption"), "perfect_foresight"];
    const bars = runs.map((run) => {
      const own = found.filter((row) => row.strategy === run);
      return {
        type: "bar", name: this.names[run], x: own.map((row) => row.tariff), y: own.map((row) => row.cost),
        marker: run === "perfect_foresight" ? { color: "rgba(0,0,0,0)", line: { color: colour("text"), width: 1.5 } } : { color: this.runColour(run) },
        hovertemplate: "%{y:.2f}",
      };
    });
    this.plot("tariffs", bars, layout(narrow() ? 300 : 340, { axes: { xaxis: { type: "category" }, yaxis: { title: { text: `cost, ${this.money}` } } } }));
  }

  drawShares() {
    const own = this.ofHome();
    const points = unique(own.map((row) => `${row.tariff}, ${row.battery}`)).reverse();
    const runs = unique(["self_consumption", ...this.asked]);
    const dots = runs.map((run, place) => {
      const found = own.filter((row) => row.strategy === run && row.share !== null);
      return {
        type: "scatter", mode: "markers", name: this.names[run], x: found.map((row) => 100 * row.share), y: found.map((row) => `${row.tariff}, ${row.battery}`),
        marker: { size: 11, symbol: SYMBOLS[place % SYMBOLS.length], color: this.runColour(run) }, hovertemplate: "%{x:.1f} %",
      };
    });
    const high = 90 + 26 * points.length;
    this.plot("shares", dots, layout(high, {
      legend: WHOLE_NAMES,
      hovermode: "y unified", margin: { l: 48, r: 16, t: 8, b: 36 },
      axes: {
        xaxis: { ticksuffix: " %", title: { text: "of what perfect foresight saves" } },
        yaxis: { type: "category", categoryorder: "array", categoryarray: points },
      },
    }));
  }

  plot(id, traces, shape) { window.Plotly.react(byId(id), traces, shape, config); }

  drawAll() {
    this.drawSizes();
    this.drawTariffs();
    this.drawShares();
  }

  wire() {
    const known = { home: this.rows.map((row) => row.home), strategy: this.asked.concat("self_consumption"), battery: this.rows.map((row) => row.battery) };
    for (const [key, values] of Object.entries(known)) {
      for (const value of unique(values)) byId(key).add(new Option(this.names[value] && key === "strategy" ? this.names[value] : value, value, false, value === this.choice[key]));
      byId(key).addEventListener("change", (event) => { this.choice[key] = event.target.value; this.drawAll(); });
    }
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawAll());
  }
}

async function openSweep() {
  const contents = JSON.parse(asText(await unpacked("data-contents")));
  if (contents.rows.length) {
    await loadLibrary();
    const report = new SweepReport(contents);
    report.wire();
    report.drawAll();
  }
  document.documentElement.dataset.drawn = "yes";
}

openSweep().catch(confess);
