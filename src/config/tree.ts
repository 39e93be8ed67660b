/** Configuration before validation: nested plain objects with canonical key names. */
export interface Tree {
  [key: string]: unknown;
}

/** Whether a value is an object of keys rather than a list or a scalar. */
export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Puts a value at a path, making the objects on the way; an object at the path itself is merged into. */
export function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    const present = tree[key];
    tree[key] = isTree(present) && isTree(value) ? mergeTrees(present, value) : value;
    return;
  }
  const next = tree[key];
  const branch: Tree = isTree(next) ? next : {};
  tree[key] = branch;
  setAt(branch, rest, value);
}

/** The value at a path; undefined where there is none. */
export function getAt(tree: Tree, path: readonly string[]): unknown {
  let value: unknown = tree;
  for (const key of path) {
    if (!isTree(value)) return undefined;
    value = value[key];
  }
  return value;
}

/** One tree over another: objects are merged, everything else (lists too) is replaced. */
export function mergeTrees(under: Tree, over: Tree): Tree {
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const present = merged[key];
    merged[key] = isTree(present) && isTree(value) ? mergeTrees(present, value) : value;
  }
  return merged;
}
