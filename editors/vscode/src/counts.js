// How many suggestions were shown and taken in this window. The language server keeps the counts of all days, on this
// machine; nothing is sent anywhere.

export class Counts {
  shown = 0;
  accepted = 0;

  offer() {
    this.shown += 1;
  }

  accept() {
    this.accepted += 1;
    this.shown = Math.max(this.shown, this.accepted);
  }

  sentence() {
    if (!this.shown) return "no suggestion yet";
    return `${this.accepted} of ${this.shown} suggestions taken in this window (${Math.round((100 * this.accepted) / this.shown)}%)`;
  }
}
