/** Every room's policy, workflows and reconcilers, by import; main.ts and worker.ts need them all. */
export {}
