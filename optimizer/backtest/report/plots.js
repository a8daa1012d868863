"use strict";
// What every page needs: it unpacks what the page brings along and sets plots in the page's own colours. Nothing is ever
// asked of the network.

const byId = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const narrow = () => window.innerWidth < 700;

async function unpacked(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

const asText = (buffer) => new TextDecoder().decode(buffer);

async function loadLibrary() {
  const script = document.createElement("script");
  script.textContent = asText(await unpacked("data-library"));
  document.head.append(script);
}

function confess(error) {
  byId("trouble").hidden = false;
  byId("trouble").textContent = `The plots cannot be drawn (${error}); any browser of the last years can. The tables are complete.`;
  console.error(error);
}

function layout(height, more = {}) {
  const axis = { gridcolor: colour("line"), zerolinecolor: colour("soft"), linecolor: colour("line"), automargin: true };
  const { axes = {}, ...rest } = more;
  const styled = { xaxis: {}, yaxis: {}, ...axes };
  for (const name of Object.keys(styled)) styled[name] = { ...axis, ...styled[name] };
  return {
    height, margin: { l: 48, r: 12, t: 8, b: 36 }, autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("text"), size: narrow() ? 11 : 12, family: getComputedStyle(document.body).fontFamily },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, ...(narrow() ? { entrywidth: 92, entrywidthmode: "pixels" } : {}) },
    hovermode: "x unified", hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line") },
    bargap: 0.25, barmode: "group", ...rest, ...styled,
  };
}

const config = { displaylogo: false, responsive: true, displayModeBar: false, doubleClick: "reset" };
