/** The limits of the specification for the texts of a task, in characters. */
export const titleMax = 200;
export const descriptionMax = 1_000;
