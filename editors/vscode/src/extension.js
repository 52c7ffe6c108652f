// The extension: it starts `codegem lsp`, shows what it suggests, and says how it is. What can be decided without VS Code is
// decided in the other modules.

import { execFile } from "node:child_process";
import * as vscode from "vscode";
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn } from "vscode-languageclient/node";
import { Counts } from "./counts.js";
import { modelChoices } from "./models.js";
import { commandLine, needsRestart, readSettings, serverCommand, wants, withLanguageToggled } from "./settings.js";
import { status, whyNotStarted } from "./status.js";

const SECTION = "codegem";
const ACCEPTED = "codegem.accepted"; // the language server's command, which every suggestion carries
const PROBE_MILLISECONDS = 20000;

/** @type {Session | undefined} */
let session;

/** @param {vscode.ExtensionContext} context */
export async function activate(context) {
  session = new Session();
  context.subscriptions.push(session);
  await session.start();
}

export async function deactivate() {
  await session?.stop();
}

class Session {
  settings = settings();
  counts = new Counts();
  now = { state: "stopped", asking: 0, problem: "" };
  /** @type {LanguageClient | undefined} */
  client;

  constructor() {
    this.log = vscode.window.createOutputChannel("codegem", { log: true });
    this.bar = vscode.window.createStatusBarItem("codegem", vscode.StatusBarAlignment.Right, 90);
    this.bar.name = "codegem";
    this.bar.command = "codegem.menu";
    this.held = [
      this.log,
      this.bar,
      ...Object.entries(this.commands()).map(([name, run]) => vscode.commands.registerCommand(name, run)),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration(SECTION) && this.configured()),
      vscode.window.onDidChangeActiveTextEditor(() => this.show()),
    ];
    this.show();
    this.bar.show();
  }

  commands() {
    return {
      "codegem.toggle": () => set("enabled", !this.settings.enabled),
      "codegem.toggleLanguage": () => this.toggleLanguage(),
      "codegem.chooseModel": () => this.chooseModel(),
      "codegem.restart": () => this.restart(),
      "codegem.showLog": () => this.log.show(),
      "codegem.menu": () => this.menu(),
    };
  }

  async start() {
    const { command, args } = serverCommand(this.settings);
    this.set("starting");
    try {
      // Asked first, so that a program that is not there gives one message and not three.
      await run(commandLine(this.settings, "--version"));
      this.client = new LanguageClient("codegem", "codegem", { command, args, options: { shell: false } }, this.options());
      await this.client.start();
      this.set("ready");
    } catch (error) {
      await this.failed(whyNotStarted(this.settings.command, /** @type {any} */ (error)));
    }
  }

  async stop() {
    const client = this.client;
    this.client = undefined;
    this.now.asking = 0;
    try {
      await client?.dispose(2000);
    } catch {
      // It is gone already.
    }
  }

  async restart() {
    await this.stop();
    this.settings = settings();
    await this.start();
  }

  options() {
    return {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: vscode.workspace.getConfiguration(SECTION),
      synchronize: { configurationSection: SECTION },
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.closed(),
      },
      middleware: {
        provideInlineCompletionItems: (document, position, context, token, next) =>
          this.suggest(document, () => next(document, position, context, token)),
        executeCommand: (command, args, next) => {
          if (command === ACCEPTED) this.counts.accept();
          this.show();
          return next(command, args);
        },
      },
    };
  }

  async suggest(document, next) {
    if (!wants(this.settings, document.languageId)) return null;
    this.now.asking += 1;
    this.show();
    try {
      const found = await next();
      if ((found?.items ?? found)?.length) this.counts.offer();
      return found;
    } finally {
      this.now.asking = Math.max(0, this.now.asking - 1);
      this.show();
    }
  }

  closed() {
    if (this.client) void this.failed("the language server ended; the log says why, and the command codegem: Restart starts it again.");
    return { action: CloseAction.DoNotRestart, handled: true };
  }

  async failed(problem) {
    await this.stop();
    this.set("failed", problem);
    this.log.error(problem);
    void this.tell(problem); // activation does not wait for an answer
  }

  async tell(problem) {
    const chosen = await vscode.window.showErrorMessage(`codegem: ${problem}`, "Settings", "Log", "Try again");
    if (chosen === "Settings") await vscode.commands.executeCommand("workbench.action.openSettings", "codegem.command");
    if (chosen === "Log") this.log.show();
    if (chosen === "Try again") await this.restart();
  }

  configured() {
    const before = this.settings;
    this.settings = settings();
    this.show();
    if (needsRestart(before, this.settings)) void this.restart();
  }

  async toggleLanguage() {
    const language = vscode.window.activeTextEditor?.document.languageId;
    if (language) await set("languages", withLanguageToggled(this.settings, language));
  }

  async chooseModel() {
    const other = "Another model …";
    const listed = await run(commandLine(this.settings, "models", "--json")).catch(() => "[]");
    const items = [...modelChoices(listed, this.settings.model), { label: other, description: "a directory, a .gguf file, a hub id or an address" }];
    const chosen = await vscode.window.showQuickPick(items, { title: "codegem: the model" });
    const model = chosen?.label === other ? await vscode.window.showInputBox({ title: "codegem: the model", value: this.settings.model }) : chosen?.label;
    if (model) await set("model", model);
  }

  async menu() {
    const language = vscode.window.activeTextEditor?.document.languageId;
    const entries = [
      { label: this.settings.enabled ? "Turn suggestions off" : "Turn suggestions on", command: "codegem.toggle" },
      ...(language ? [{ label: `Suggestions in ${language} on or off`, command: "codegem.toggleLanguage" }] : []),
      { label: "Choose the model", command: "codegem.chooseModel" },
      { label: "Restart the language server", command: "codegem.restart" },
      { label: "Show the log", command: "codegem.showLog" },
    ];
    const chosen = await vscode.window.showQuickPick(entries, { title: this.view().tooltip.replaceAll("\n", "; ") });
    if (chosen) await vscode.commands.executeCommand(chosen.command);
  }

  set(state, problem = "") {
    this.now.state = state;
    this.now.problem = problem;
    this.show();
  }

  view() {
    const language = vscode.window.activeTextEditor?.document.languageId;
    return status({ ...this.now, language }, this.settings, this.counts);
  }

  show() {
    const { text, tooltip, isProblem } = this.view();
    this.bar.text = text;
    this.bar.tooltip = tooltip;
    this.bar.backgroundColor = isProblem ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
  }

  dispose() {
    for (const each of this.held) each.dispose();
  }
}

function settings() {
  const configuration = vscode.workspace.getConfiguration(SECTION);
  return readSettings((name) => configuration.get(name));
}

function set(name, value) {
  return vscode.workspace.getConfiguration(SECTION).update(name, value, vscode.ConfigurationTarget.Global);
}

function run({ command, args }) {
  return new Promise((resolve, reject) => {
    execFile(command, args, { timeout: PROBE_MILLISECONDS, windowsHide: true }, (error, out) => (error ? reject(error) : resolve(out)));
  });
}
