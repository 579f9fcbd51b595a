// Runs before the first paint, so that a chosen theme does not flash; main.js has the switch.
try {
    const theme = localStorage.getItem('promemu-theme');
    if (theme) document.documentElement.dataset.theme = theme;
} catch {
    // Storage may be forbidden: then the system's choice holds.
}
