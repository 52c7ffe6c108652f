// What a person set, as the extension uses it. Nothing here knows of VS Code.

/** @typedef {{enabled: boolean, languages: Record<string, boolean>, model: string, command: string[]}} Settings */

/**
 * The settings with a sound value for each that is not.
 * @param {(name: string) => unknown} get
 * @returns {Settings}
 */
export function readSettings(get) {
  const languages = get("languages");
  const command = get("command");
  const model = get("model");
  const isCommand = Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === "string" && word);
  return {
    enabled: get("enabled") !== false,
    languages: isObject(languages) ? Object.fromEntries(Object.entries(languages).filter(([, on]) => typeof on === "boolean")) : {},
    model: typeof model === "string" && model.trim() ? model.trim() : "nano",
    command: isCommand ? command : ["codegem"],
  };
}

/**
 * Whether suggestions are wanted in a language.
 * @param {Settings} settings
 * @param {string} language
 */
export function wants(settings, language) {
  return settings.enabled && settings.languages[language] !== false;
}

/**
 * The setting `codegem.languages` with one language the other way round.
 * @param {Settings} settings
 * @param {string} language
 */
export function withLanguageToggled(settings, language) {
  return { ...settings.languages, [language]: settings.languages[language] === false };
}

/**
 * The program and its arguments for an extra command of codegem's; no shell sees them.
 * @param {Settings} settings
 * @param {string[]} words
 */
export function commandLine(settings, ...words) {
  const [program, ...first] = settings.command;
  return { command: program, args: [...first, ...words] };
}

/** @param {Settings} settings */
export function serverCommand(settings) {
  return commandLine(settings, "lsp", "--model", settings.model);
}

/**
 * Whether the server has to start anew for a change of settings; it is told of all others.
 * @param {Settings} before
 * @param {Settings} after
 */
export function needsRestart(before, after) {
  return before.model !== after.model || JSON.stringify(before.command) !== JSON.stringify(after.command);
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
