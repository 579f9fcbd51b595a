// Sets the chosen theme before the first paint, so that the other one does not flash; main.js has the switch.
try {
    const theme = localStorage.getItem('promemu-theme');
    if (theme) document.documentElement.dataset.theme = theme;
} catch {
    // Storage may be forbidden; the system's theme is used then.
}
