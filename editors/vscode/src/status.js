// What the status bar says. Nothing here knows of VS Code.

import { wants } from "./settings.js";

/** @typedef {"starting" | "ready" | "failed" | "stopped"} State */

/**
 * The text and the tooltip of the status bar's item.
 * @param {{state: State, asking: number, language: string | undefined, problem: string}} now
 * @param {import("./settings.js").Settings} settings
 * @param {import("./counts.js").Counts} counts
 */
export function status(now, settings, counts) {
  const model = shortName(settings.model);
  const [icon, said] = look(now, settings);
  const lines = [`codegem: ${said}`, `model: ${settings.model}`, counts.sentence()];
  return { text: `$(${icon}) ${model}`, tooltip: lines.join("\n"), isProblem: now.state === "failed" };
}

function look(now, settings) {
  if (now.state === "failed") return ["error", now.problem || "the language server does not run"];
  if (!settings.enabled) return ["circle-slash", "suggestions are off"];
  if (now.state === "starting") return ["loading~spin", "starting"];
  if (now.state === "stopped") return ["debug-stop", "the language server is stopped"];
  if (now.language !== undefined && !wants(settings, now.language)) return ["circle-slash", `off in ${now.language}`];
  return now.asking > 0 ? ["loading~spin", "thinking"] : ["sparkle", "ready"];
}

/**
 * A model's name without the folders it lies in, or the host of its server.
 * @param {string} model
 */
export function shortName(model) {
  const address = /^https?:\/\/([^/#]+)/.exec(model);
  if (address) return address[1];
  return model.replace(/[\\/]+$/, "").split(/[\\/]/).pop() || model;
}

/**
 * What to tell where the program can't be started, in one sentence with the way out.
 * @param {string[]} command
 * @param {{code?: unknown, message?: string}} error
 */
export function whyNotStarted(command, error) {
  const program = command[0];
  if (error.code === "ENOENT") {
    return `${program} was not found: install it with "pip install codegem", or name it with its path in the setting codegem.command.`;
  }
  if (error.code === "EACCES") return `${program} may not be executed; give another in the setting codegem.command.`;
  return `${program} did not start (${firstLine(error.message ?? String(error))}); the log says more.`;
}

function firstLine(text) {
  return text.trim().split("\n")[0].slice(0, 200);
}
