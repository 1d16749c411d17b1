/// What a page looks like, measured: contrasts as WCAG 2.2 defines them, and what is wider than the screen.

/// Runs in the page: each visible text with its colour and what is behind it, as [red, green, blue] from 0 to 255. Disabled controls
/// are exempt.
function textsInPage() {
  const parse = (colour) => {
    const [r, g, b, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
    return { channels: [r, g, b], alpha };
  };
  const over = ({ channels, alpha }, below) => channels.map((channel, i) => channel * alpha + below[i] * (1 - alpha));
  const groundOf = (element) => {
    const below = element.parentElement ? groundOf(element.parentElement) : [255, 255, 255];
    return over(parse(getComputedStyle(element).backgroundColor), below);
  };
  const found = [];
  const add = (element, colour, text) => {
    if (!text || !element.checkVisibility() || element.closest(':disabled')) return;
    const { fontSize, fontWeight } = getComputedStyle(element);
    const size = Number.parseFloat(fontSize);
    const ground = groundOf(element);
    const isLarge = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700);
    found.push({ text, colour: over(parse(colour), ground), ground, isLarge });
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement, data } = texts.currentNode;
    add(parentElement, getComputedStyle(parentElement).color, data.trim());
  }
  for (const field of document.querySelectorAll('input, textarea')) {
    add(field, getComputedStyle(field, field.value ? null : '::placeholder').color, field.value || field.placeholder);
  }
  return found;
}

function luminance(colour) {
  const [red, green, blue] = colour.map((channel) => channel / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/// From 1 to 21.
function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/// Texts with less contrast than level AA asks for, as [{text, ratio}].
export async function faintTexts(tab) {
  const texts = await tab.evaluate(textsInPage);
  return texts
    .map(({ text, colour, ground, isLarge }) => ({ text, ratio: contrast(colour, ground), least: isLarge ? 3 : 4.5 }))
    .filter(({ ratio, least }) => ratio < least)
    .map(({ text, ratio }) => ({ text, ratio: Math.round(ratio * 100) / 100 }));
}

/// How much the grounds of two elements differ. Both must be opaque.
export async function groundContrast(tab, ...selectors) {
  const grounds = await Promise.all(
    selectors.map((selector) => tab.locator(selector).first().evaluate((element) => getComputedStyle(element).backgroundColor)),
  );
  return contrast(...grounds.map((ground) => ground.match(/[\d.]+/g).map(Number).slice(0, 3)));
}

/// How many pixels one would have to scroll sideways.
export const overhang = (tab) =>
  tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
