// Draws a backtest, on top of plots.js.

const WEEK_MS = 7 * 86400e3;

// -- the intervals -------------------------------------------------------------------------------------------------

class Intervals {
  constructor(contents, buffer) {
    const count = contents.spans.reduce((sum, span) => sum + span[1], 0);
    const steps = new Int32Array(buffer);
    this.columns = {};
    contents.columns.forEach((name, place) => {
      const values = new Float64Array(count);
      let running = 0;
      for (let i = 0; i < count; i++) {
        running += steps[place * count + i];
        values[i] = running * contents.units[place];
      }
      this.columns[name] = values;
    });
    this.local = new Float64Array(count);
    this.breaks = new Set();
    let i = 0;
    for (const [start, length] of contents.spans) {
      this.breaks.add(i);
      for (let k = 0; k < length; k++) this.local[i++] = localTime(contents, start + k * contents.step_ms);
    }
  }

  between(from, to) {
    const inside = [];
    for (let i = 0; i < this.local.length; i++) if (this.local[i] >= from && this.local[i] < to) inside.push(i);
    return inside;
  }
}

// Milliseconds on the home's own clock, written as if it were UTC: the plots know no time zones.
function localTime(contents, ms) {
  let offset = contents.offsets[0][1];
  for (const [from, seconds] of contents.offsets) if (ms >= from) offset = seconds;
  return ms + offset * 1000;
}

const stamp = (local) => new Date(local).toISOString().slice(0, 16).replace("T", " ");
const dayOf = (local) => new Date(local).toISOString().slice(0, 10);
const mondayOf = (local) => {
  const day = Math.floor(local / 86400e3) * 86400e3;
  return day - ((new Date(day).getUTCDay() + 6) % 7) * 86400e3;
};

// -- plots ---------------------------------------------------------------------------------------------------------

class Report {
  constructor(contents, intervals) {
    Object.assign(this, { contents, intervals });
    this.replayed = contents.runs.filter((name) => name !== "no_battery" && name !== "perfect_foresight");
    this.asked = this.replayed.filter((name) => name !== "self_consumption");
    this.run = this.asked[0] ?? "self_consumption";
    const local = intervals.local;
    this.firstWeek = mondayOf(local[0]);
    this.lastWeek = mondayOf(local[local.length - 1]);
    this.week = this.busiestWeek();
  }

  name(run) { return this.contents.names[run]; }

  runColour(run) {
    if (run === "no_battery") return colour("run-none");
    if (run === "self_consumption") return colour("run-plain");
    if (run === "perfect_foresight") return colour("text");
    return colour(`run-${this.asked.indexOf(run) % 4}`);
  }

  // The week to open with: the one in which the run saved most.
  busiestWeek() {
    const { labels, saved } = this.contents.days;
    const sums = new Map();
    labels.forEach((label, i) => {
      const week = mondayOf(Date.parse(label));
      sums.set(week, (sums.get(week) ?? 0) + saved[this.run][i]);
    });
    return [...sums].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
  }

  bars(values, runs) {
    return runs.map((run) => ({
      type: "bar", name: this.name(run), x: this.contents.months.labels, y: values[run], marker: { color: this.runColour(run) },
    }));
  }

  ceiling(values) {
    return {
      type: "scatter", mode: "markers", name: this.name("perfect_foresight"), x: this.contents.months.labels, y: values.perfect_foresight,
      marker: { symbol: "line-ew", size: narrow() ? 14 : 26, line: { width: 3, color: colour("text") } },
    };
  }

  drawMonths() {
    const { saved } = this.contents.months;
    const unit = this.contents.currency;
    const axes = { xaxis: { type: "category" }, yaxis: { title: { text: unit } } };
    this.plot("months", [...this.bars(saved, ["self_consumption", ...this.asked]), this.ceiling(saved)], layout(narrow() ? 280 : 330, { axes }));
  }

  drawMonthly(id, values, title, runs, factor = 1) {
    const scaled = Object.fromEntries(Object.entries(values).map(([run, all]) => [run, all.map((one) => one * factor)]));
    const axes = { xaxis: { type: "category" }, yaxis: { title: { text: title } } };
    this.plot(id, [...this.bars(scaled, runs), this.ceiling(scaled)], layout(280, { axes }));
  }

  drawWhy() {
    const parts = this.contents.why[this.run];
    const total = parts.reduce((sum, part) => sum + part[1], 0);
    this.plot("why", [{
      type: "waterfall", x: [...parts.map((part) => part[0]), "saved"], y: [...parts.map((part) => part[1]), total],
      measure: [...parts.map(() => "relative"), "total"], text: [...parts.map((part) => part[1]), total].map((value) => value.toFixed(2)),
      textposition: "outside", cliponaxis: false, connector: { line: { color: colour("line") } },
      increasing: { marker: { color: colour("good") } }, decreasing: { marker: { color: colour("bad") } }, totals: { marker: { color: this.runColour(this.run) } },
      hoverinfo: "x+text",
    }], layout(320, { hovermode: "closest", axes: { xaxis: { type: "category" }, yaxis: { title: { text: this.contents.currency } } }, margin: { l: 48, r: 12, t: 24, b: 36 } }));
  }

  drawPrices() {
    const { price, charged, discharged } = this.contents.prices[this.run];
    const x = price.map((value) => value.toFixed(price.length > 8 ? 2 : 3));
    const bar = (name, y, tone) => ({ type: "bar", name, x, y, marker: { color: tone } });
    this.plot("prices", [bar("charged", charged, colour("charge")), bar("discharged", discharged, colour("discharge"))], layout(320, {
      axes: { xaxis: { type: "category", title: { text: `import price, ${this.contents.currency}/kWh` } }, yaxis: { title: { text: "kWh" } } },
    }));
  }

  drawDays() {
    const { labels, saved } = this.contents.days;
    const runs = this.run === "perfect_foresight" ? [this.run] : [this.run, "perfect_foresight"];
    const traces = runs.map((run) => (run === this.run
      ? { type: "bar", name: "saved", x: labels, y: saved[run], marker: { color: this.runColour(run) } }
      : { type: "scatter", mode: "lines", name: this.name(run), x: labels, y: saved[run], line: { color: colour("text"), width: 1 }, opacity: 0.55 }));
    const box = { type: "rect", xref: "x", yref: "paper", x0: dayOf(this.week), x1: dayOf(this.week + WEEK_MS), y0: 0, y1: 1, fillcolor: colour("accent"), opacity: 0.15, line: { width: 0 } };
    const plot = this.plot("days", traces, layout(170, {
      bargap: 0, dragmode: false, shapes: [box], axes: { xaxis: { type: "date", fixedrange: true }, yaxis: { title: { text: `${this.contents.currency} a day` }, fixedrange: true } },
    }));
    plot.removeAllListeners("plotly_click");
    plot.on("plotly_click", (event) => this.show(mondayOf(Date.parse(`${String(event.points[0].x).slice(0, 10)}T00:00Z`))));
  }

  // -- a week ------------------------------------------------------------------------------------------------------

  drawFlows() {
    const [from, to] = this.week === null ? [-Infinity, Infinity] : [this.week, this.week + WEEK_MS];
    const inside = this.intervals.between(from, to);
    const stride = Math.max(1, Math.ceil(inside.length / 4000));
    const columns = this.intervals.columns;
    const x = this.sampled(inside, stride, (i) => stamp(this.intervals.local[i]));
    const line = (name, column, tone, more = {}) => ({
      type: "scatter", mode: "lines", name, x, y: this.sampled(inside, stride, (i) => columns[column][i] * (more.factor ?? 1), true),
      line: { color: tone, width: 1.6, shape: "hv", dash: more.dash ?? "solid" }, fill: more.fill ? "tozeroy" : "none", fillcolor: more.fill,
      yaxis: more.axis ?? "y", hovertemplate: more.form ?? "%{y:.2f} kW",
    });
    const kilo = { factor: 1e-3 };
    const battery = this.sampled(inside, stride, (i) => columns[`${this.run}.battery_w`][i] / 1000, true);
    const traces = [
      line("load", "load_w", colour("load"), kilo),
      line("sun", "pv_w", colour("pv"), { ...kilo, fill: `${colour("pv")}33` }),
      line("grid", `${this.run}.grid_w`, colour("grid"), kilo),
      line("stored", `${this.run}.soc`, colour("soc"), { axis: "y2", factor: 100, fill: `${colour("soc")}22`, form: "%{y:.0f} %" }),
      { type: "bar", name: "battery", x, y: battery, yaxis: "y3", offset: 0, width: stride * this.contents.step_ms, marker: { color: battery.map((kw) => colour(kw >= 0 ? "charge" : "discharge")) }, hovertemplate: "%{y:.2f} kW" },
      line("import price", "buy", colour("price"), { axis: "y4", form: "%{y:.3f}" }),
      line("export price", "sell", colour("price"), { axis: "y4", form: "%{y:.3f}", dash: "dot" }),
    ];
    if (this.run !== "perfect_foresight") {
      traces.push(line("best stored", "perfect_foresight.soc", colour("text"), { axis: "y2", factor: 100, form: "%{y:.0f} %", dash: "dot" }));
    }
    this.plot("flows", traces, layout(narrow() ? 620 : 640, {
      margin: { l: 48, r: 52, t: 8, b: 36 },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, ...(narrow() ? { entrywidth: 70 } : {}) },
      axes: {
        xaxis: { type: "date", anchor: "y3", hoverformat: "%a %Y-%m-%d %H:%M" },
        yaxis: { domain: [0.62, 1], title: { text: "kW" } },
        yaxis2: { domain: [0.36, 0.57], title: { text: "%" }, range: [0, 102] },
        yaxis3: { domain: [0, 0.31], title: { text: "battery kW" } },
        yaxis4: { overlaying: "y3", side: "right", showgrid: false, zeroline: false, rangemode: "tozero", tickmode: "auto", nticks: 5, tickformat: ".2f", title: { text: `${this.contents.currency}/kWh` } },
      },
    }));
  }

  // Thinned to what a screen can show; a gap in the recording breaks the lines.
  sampled(inside, stride, value, breaks = false) {
    const found = [];
    for (let k = 0; k < inside.length; k += stride) {
      if (k && this.intervals.breaks.has(inside[k])) found.push(breaks ? null : value(inside[k]));
      found.push(value(inside[k]));
    }
    return found;
  }

  plot(id, traces, shape) {
    const place = byId(id);
    window.Plotly.react(place, traces, shape, config);
    return place;
  }

  // -- decisions ---------------------------------------------------------------------------------------------------

  drawDecisions() {
    const rows = this.contents.decisions[this.run] ?? [];
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const day = byId("day").value;
    const weekOnly = byId("same-week").checked && !day && this.week !== null;
    const [from, to] = weekOnly ? [dayOf(this.week), dayOf(this.week + WEEK_MS)] : ["", "~"];
    const fits = rows.filter((row) => {
      const text = `${row[5]} ${row[6].join(" ")}`.toLowerCase();
      return row[0] >= from && row[0] < to && (!day || row[0].startsWith(day)) && words.every((word) => text.includes(word));
    });
    const shown = fits.slice(0, 400);
    byId("count").textContent = rows.length ? `${shown.length} shown of ${fits.length}, ${rows.length} in all` : `${this.name(this.run)} decides nothing step by step`;
    byId("decisions").tBodies[0].replaceChildren(...shown.map((row) => this.row(row)));
  }

  row([when, watts, worth, price, soc, why, limits]) {
    const cells = [
      when,
      watts === null ? "–" : `${watts > 0 ? "+" : ""}${(watts / 1000).toFixed(2)} kW`,
      soc === null ? "–" : `${(100 * soc).toFixed(0)} %`,
      price === null ? "–" : price.toFixed(3),
      worth === null ? "–" : worth.toFixed(3),
      why,
    ].map((text, place) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      if (place === 0) cell.className = "nowrap";
      return cell;
    });
    cells[5].className = "wide";
    if (limits.length) {
      const held = document.createElement("span");
      held.className = "held";
      held.textContent = ` (held by: ${limits.join(", ")})`;
      cells[5].append(held);
    }
    const line = document.createElement("tr");
    line.append(...cells);
    return line;
  }

  // -- controls ----------------------------------------------------------------------------------------------------

  show(week) {
    this.week = week === null ? null : Math.min(Math.max(week, this.firstWeek), this.lastWeek);
    byId("week").value = this.week === null ? "" : dayOf(this.week);
    byId("earlier").disabled = this.week === null || this.week <= this.firstWeek;
    byId("later").disabled = this.week === null || this.week >= this.lastWeek;
    this.drawDays();
    this.drawFlows();
    this.drawDecisions();
  }

  drawRun() {
    this.drawWhy();
    this.drawPrices();
    this.show(this.week);
  }

  drawAll() {
    const { months } = this.contents;
    this.drawMonths();
    this.drawMonthly("peaks", months.peak_w, "kW", ["no_battery", ...this.replayed], 1e-3);
    this.drawMonthly("cycles", months.cycles, "cycles", this.replayed);
    this.drawRun();
  }

  wire() {
    for (const run of [...this.asked, "self_consumption", "perfect_foresight"]) byId("run").add(new Option(this.name(run), run, false, run === this.run));
    byId("run").addEventListener("change", (event) => { this.run = event.target.value; this.drawRun(); });
    byId("earlier").addEventListener("click", () => this.show(this.week - WEEK_MS));
    byId("later").addEventListener("click", () => this.show(this.week + WEEK_MS));
    byId("all").addEventListener("click", () => this.show(null));
    byId("week").addEventListener("change", (event) => { if (event.target.value) this.show(mondayOf(Date.parse(event.target.value))); });
    for (const id of ["search", "day", "same-week"]) byId(id).addEventListener("input", () => this.drawDecisions());
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawAll());
  }
}

async function open() {
  const [contents, columns] = await Promise.all([unpacked("data-contents"), unpacked("data-columns"), loadLibrary()]);
  const parsed = JSON.parse(asText(contents));
  const report = new Report(parsed, new Intervals(parsed, columns));
  report.wire();
  report.drawAll();
  document.documentElement.dataset.drawn = "yes";
}

open().catch(confess);
