/// Chromium: the peers live in a page.
import { launchBrowser } from '../../support/browser.mjs';
import { peersOf } from './w3c.mjs';

export async function start(say) {
  const browser = await launchBrowser();
  const page = await browser.newPage();
  await page.exposeFunction('say', say);
  await page.evaluate(`
    window.Peer = (${peersOf})(RTCPeerConnection, (event) => window.say(event));
    window.peers = new Map();
  `);
  class Peer {
    constructor(peer) {
      this.peer = peer;
    }

    static async open(peer, options) {
      await page.evaluate(([name, given]) => void window.peers.set(name, new window.Peer(name, given)), [peer, options]);
      return new Peer(peer);
    }
  }
  for (const action of ['offer', 'description', 'candidate', 'send', 'path', 'close']) {
    Peer.prototype[action] = function inPage(line) {
      return page.evaluate(([name, what, given]) => window.peers.get(name)[what](given), [this.peer, action, line]);
    };
  }
  return { name: `Chromium ${browser.version()}`, Peer, stop: () => browser.close() };
}
