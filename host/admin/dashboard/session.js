// What happens when the session is over: the login page is served in place of the dashboard, and says why.
const kNote = 'crolang-broker-note';
const kEnded = 'crolang-broker-ended';

/// For the login page: said once.
export function leaveNote(words) {
  try {
    sessionStorage.setItem(kNote, words);
  } catch {
    // Without storage nothing is said.
  }
}

export function takeNote() {
  try {
    const words = sessionStorage.getItem(kNote);
    sessionStorage.removeItem(kNote);
    return words;
  } catch {
    return null;
  }
}

/// Loads the page again, which is the login page now. Returns false if that has just been done to no avail: then a
/// browser that keeps no cookies would go round in circles.
export function sessionEnded() {
  const now = Date.now();
  let last = 0;
  try {
    last = Number(sessionStorage.getItem(kEnded));
    sessionStorage.setItem(kEnded, String(now));
  } catch {
    return false;
  }
  if (now - last < 10_000) return false;
  leaveNote('Your session has ended. Sign in again.');
  location.replace('/');
  return true;
}
