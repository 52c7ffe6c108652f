// The models to choose from, as `codegem models --json` lists them. Nothing here knows of VS Code.

/**
 * Entries for a list, the model in use first.
 * @param {string} json
 * @param {string} current
 * @returns {{label: string, description: string}[]}
 */
export function modelChoices(json, current) {
  const rows = listed(json).filter((row) => typeof row?.name === "string" && !row.problem);
  const entries = rows.map((row) => ({ label: row.name, description: described(row) }));
  const known = entries.some((entry) => entry.label === current);
  const all = known ? entries : [{ label: current, description: "" }, ...entries];
  all.sort((a, b) => Number(b.label === current) - Number(a.label === current));
  return all.map((entry) => (entry.label === current ? { ...entry, description: `in use  ${entry.description}`.trim() } : entry));
}

function listed(json) {
  try {
    const value = JSON.parse(json);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function described(row) {
  const parameters = typeof row.parameters === "number" ? size(row.parameters) : "";
  const weights = row.weights === undefined || row.weights === null ? "" : String(row.weights);
  return [parameters, weights, row.format].filter(Boolean).join(", ");
}

function size(parameters) {
  return parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)} B parameters` : `${(parameters / 1e6).toFixed(1)} M parameters`;
}
