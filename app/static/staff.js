// Moves the page of a running send: fetches its figures every two seconds, and says nothing else to anyone.
// A button stops it (A02); without this script the page has a link that shows the newest figures.
"use strict";
(() => {
  const EVERY = 2000;
  const LONGEST = 20 * 60 * 1000; // then it stops by itself, so that an open page does not keep a session alive
  const mover = document.querySelector("[data-moving]");
  const figures = document.getElementById("standing");
  if (!mover || !figures) return;
  const button = mover.querySelector("button");
  const told = mover.querySelector("[data-problem]");
  let moving = true;
  let began = Date.now();
  let timer = 0;

  const label = () => {
    button.textContent = moving ? button.dataset.pause : button.dataset.resume;
    button.hidden = false;
  };
  const later = () => {
    window.clearTimeout(timer);
    if (moving) timer = window.setTimeout(look, EVERY);
  };
  const stop = () => {
    moving = false;
    window.clearTimeout(timer);
    label();
  };
  async function look() {
    if (Date.now() - began > LONGEST) return stop();
    if (document.hidden) return later();
    try {
      const answer = await fetch(mover.dataset.moving, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const told_now = await answer.json();
      if (!moving) return;
      if (told_now.state !== mover.dataset.state) return window.location.reload();
      figures.innerHTML = told_now.html;
      told.textContent = "";
    } catch {
      told.textContent = told.dataset.problem;
    }
    later();
  }
  button.addEventListener("click", () => {
    moving = !moving;
    began = Date.now();
    label();
    later();
  });
  label();
  later();
})();
