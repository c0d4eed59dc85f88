// What htmx alone does not do. Everything here may be missing: the forms are plain HTML, and the server has the last word.
(() => {
  "use strict";
  if (!window.htmx) return void document.documentElement.classList.add("htmx-missing");

  // The list by keyboard: "/" leads to the search, the arrows from there along the rows (or their tick boxes) and back.
  document.addEventListener("keydown", (event) => {
    const other = event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
    if (other || event.target.matches("input:not(#q, tbody .tick__input), select, textarea")) return;
    const kind = event.target.matches(".tick__input") ? ".tick__input" : "th a";
    const stops = [document.getElementById("q"), ...document.querySelectorAll(`#registrations tbody ${kind}`)];
    const step = event.shiftKey ? NaN : { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isWay = event.key === "/" && event.target !== stops[0];
    const target = isWay ? stops[0] : stops[Math.max(stops.indexOf(event.target), 0) + step];
    if (target) event.preventDefault();
    target?.focus();
  });

  const registration = () => document.getElementById("registration");
  let leaving = false, held = null;
  const onCheckPage = () => registration()?.dataset.stage === "check";

  // A button that leads elsewhere (another language) is a real navigation, with the form's answers: htmx stays out of it.
  document.addEventListener("submit", (event) => {
    if (!event.submitter?.hasAttribute("formaction")) return;
    leaving = true;
    event.stopImmediatePropagation();
  }, true);

  // Trouble on the way: the form stays as it is, and the page says so in the words that it has brought along.
  const isAside = (ctx) => ctx.sourceElement?.matches?.(".field, .warning"); // a check that nobody has asked for
  const say = (ctx, kind) => {
    const place = document.getElementById("trouble");
    if (!place || isAside(ctx)) return;
    place.textContent = kind ? place.dataset[kind] : "";
    place.hidden = !kind;
  };

  // While a whole form is on its way nobody types into it: the answer takes its place, and what was typed would be lost.
  const hold = ({ sourceElement: form }, on) => {
    if (form?.id !== "registration-form") return;
    if (on) held = document.activeElement;
    for (const part of form.querySelectorAll(".section")) part.inert = on;
    if (!on && document.activeElement === document.body) held?.focus({ preventScroll: true });
  };
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => { say(ctx, null); hold(ctx, true); });
  document.addEventListener("htmx:finally:request", (event) => hold(event.detail.ctx, false));
  document.addEventListener("htmx:error", ({ detail: { ctx, error } }) => {
    const timedOut = error === "timeout" || ctx?.request?.signal?.reason === "timeout";
    if (ctx) say(ctx, timedOut ? "timeout" : navigator.onLine ? "other" : "offline");
  });
  document.addEventListener("htmx:before:response", (event) => {
    const { sourceElement, response: { headers, status } } = event.detail.ctx;
    const isOurs = headers.get("X-Convoke");
    if (headers.get("HX-Redirect")) leaving = true;
    if (!isOurs) event.preventDefault(); // a proxy's or a hotel's page
    if (isOurs && (status < 400 || status === 401 || sourceElement?.hasAttribute?.(`hx-status:${status}`))) return; // shown
    say(event.detail.ctx, (isOurs && { 404: "gone", 410: "gone", 413: "large", 429: "busy" }[status]) || "other");
  });

  // The check page takes the form's place without leaving it. An entry in the history makes "Back" lead to the form and
  // "Forward" to the check page; what was typed is on the page only, so leaving it is asked about.
  const press = (step) => registration().querySelector(`button[name=step][value=${step}]`).click();
  window.addEventListener("beforeunload", (event) => onCheckPage() && !leaving && event.preventDefault());
  document.addEventListener("htmx:after:swap", (event) => {
    if (onCheckPage() && location.hash !== "#check") history.pushState(history.state, "", "#check");
    if (!onCheckPage() && registration() && location.hash === "#check") history.replaceState(history.state, "", location.pathname);
    const first = isAside(event.detail.ctx) ? null : document.querySelector("#registration [autofocus]");
    first?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "start" }); // a summary of errors may be taller than the window
  });
  window.addEventListener("popstate", () => {
    if (!registration()) return;
    if (onCheckPage() && !["#check", "#main"].includes(location.hash)) press("edit"); // #main is the skip link's
    if (!onCheckPage() && location.hash === "#check") press("check");
  });
  document.addEventListener("htmx:before:history:restore", (event) => registration() && event.preventDefault());
})();
