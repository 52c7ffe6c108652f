// Runs before the first paint, so that a page in the dark does not flash: not a module, which would come later.
try {
  document.documentElement.dataset.theme = localStorage.getItem("codegem-theme") ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto"; // storage is forbidden here
}
