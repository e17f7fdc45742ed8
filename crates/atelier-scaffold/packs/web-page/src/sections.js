// Which section a reader is in: pure functions, tested outside the browser.

/**
 * A section and the distance of its upper edge from the top of the window, in pixels.
 * @typedef {{ id: string, top: number }} Place
 */

/**
 * The section the reader is in: the last one whose upper edge has passed the line, or none
 * before the first has.
 * @param {readonly Place[]} places in the order of the page
 * @param {number} line distance from the top of the window, in pixels
 * @returns {string | undefined}
 */
export function currentSection(places, line) {
  return places.findLast((place) => place.top <= line)?.id;
}

/**
 * The id a link inside the page points to; none for any other link.
 * @param {string | null} href
 * @returns {string | undefined}
 */
export function targetOf(href) {
  return href?.startsWith("#") && href.length > 1 ? href.slice(1) : undefined;
}
