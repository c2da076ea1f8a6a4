// Keeps keys inside the panel that this widget is a part of. When it is drawn, it is not in the document yet.

function render({ el }) {
  let frame = requestAnimationFrame(function look() {
    const panel = el.closest(".doaudit");
    if (panel) keepKeys(panel);
    else frame = requestAnimationFrame(look);
  });
  return () => cancelAnimationFrame(frame);
}

export default { render };
