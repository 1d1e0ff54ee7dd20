// Sets the equations that pymdownx.arithmatex has marked.
for (const place of document.querySelectorAll(".arithmatex")) {
  const tex = place.textContent.trim();
  const displayMode = tex.startsWith("\\[");
  katex.render(tex.slice(2, -2), place, { displayMode, throwOnError: false });
}
