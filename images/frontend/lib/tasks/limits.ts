/** The specification's limits on a task's texts, in characters. */
export const titleMax = 200;
export const descriptionMax = 1_000;
