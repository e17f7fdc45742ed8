// Marks the section the reader is in. The page is complete without this script.

import { currentSection, targetOf } from "./sections.js";

/** How far down the window a section must have come to be the current one. */
const LINE_SHARE = 1 / 3;

/** @type {NodeListOf<HTMLAnchorElement>} */
const links = document.querySelectorAll("nav a");

/** @type {NodeListOf<HTMLElement>} */
const sections = document.querySelectorAll("main section[id]");

function mark() {
  const places = [...sections].map((section) => ({
    id: section.id,
    top: section.getBoundingClientRect().top,
  }));
  const current = currentSection(places, window.innerHeight * LINE_SHARE);
  for (const link of links) {
    const here = targetOf(link.getAttribute("href")) === current;
    if (here && current !== undefined) {
      link.setAttribute("aria-current", "true");
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

document.addEventListener("scroll", mark, { passive: true });
window.addEventListener("resize", mark);
mark();
