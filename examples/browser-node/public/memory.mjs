// What is remembered: the broker for all tabs; the id and the people for this one alone, since an id can be used only once.

/// Undefined for what fails: a browser may have no storage for us.
export function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}

const on = (storage) => ({
  get: (key) => attempt(() => storage().getItem(`crolang-${key}`)) ?? undefined,
  set: (key, value) => attempt(() => storage().setItem(`crolang-${key}`, value)),
});

export const everywhere = on(() => localStorage);
export const here = on(() => sessionStorage);
