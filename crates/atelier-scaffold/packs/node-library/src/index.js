// The front door: what is not named here is private.

export { LENGTH_MAX, Label, LabelError } from "./label.js";
