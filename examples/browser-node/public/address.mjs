// The address of a broker, as a person writes it.

/// {origin}, or {words} that say what is wrong. `page`: the location of the page.
export function brokerAt(text, page) {
  const url = parse(/^[a-z]+:\/\//i.test(text) ? text : `${page.protocol}//${text}`);
  if (url) url.protocol = url.protocol.replace(/^ws/, 'http');
  // Socket.IO takes a path for a namespace, so there must be none.
  const isPlain = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash && !url.username;
  if (!isPlain) return { words: 'Write it as http://host:port, without a path.' };
  if (page.protocol === 'https:' && url.protocol === 'http:' && !isThisMachine(url.hostname)) {
    return {
      words: `This page was opened over https, and from such a page browsers reach no broker over plain http. Give an https:// address, or open the page over http.`,
    };
  }
  return { origin: url.origin };
}

function parse(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

const isThisMachine = (hostname) => /(^|\.)localhost$|^127\.|^\[::1\]$/.test(hostname);
