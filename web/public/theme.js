// Applies the chosen theme before the first paint. A script of its own, because the CSP allows no inline script.
try {
  const theme = localStorage.getItem('daybook.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be blocked; the theme is then that of the system.
}
