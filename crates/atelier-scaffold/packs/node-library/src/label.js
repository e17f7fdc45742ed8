// A label: a short text a person gave, checked once, when it is made.

/** The most characters a label may have. */
export const LENGTH_MAX = 80;

/** @typedef {"empty" | "too-long" | "control"} LabelProblem */

/** A text is no label; `problem` says why to programs, `message` to people. */
export class LabelError extends Error {
  /**
   * @param {LabelProblem} problem
   * @param {string} message
   */
  constructor(problem, message) {
    super(message);
    this.name = "LabelError";
    /** @readonly */
    this.problem = problem;
  }
}

/** One line of visible text without blanks around it, neither empty nor too long. */
export class Label {
  /** @type {string} */
  #text;

  /**
   * Makes a label of a text; blanks around it are dropped.
   * @param {string} text
   * @throws {LabelError} where nothing is left, or too much, or a control character
   */
  constructor(text) {
    const trimmed = text.trim();
    const length = [...trimmed].length;
    if (length === 0) {
      throw new LabelError("empty", "a label must not be empty");
    }
    if (length > LENGTH_MAX) {
      const message = `a label has at most ${LENGTH_MAX} characters, not ${length}`;
      throw new LabelError("too-long", message);
    }
    if (/\p{Cc}|\p{Zl}|\p{Zp}/u.test(trimmed)) {
      throw new LabelError("control", "a label is one line of visible text");
    }
    this.#text = trimmed;
  }

  /** The text of the label. */
  get text() {
    return this.#text;
  }

  /**
   * Whether two labels have the same text.
   * @param {Label} other
   */
  equals(other) {
    return this.#text === other.#text;
  }

  toString() {
    return this.#text;
  }

  toJSON() {
    return this.#text;
  }
}
