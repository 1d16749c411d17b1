/// What a page looks like, measured: contrasts as WCAG 2.2 defines them, and what is wider than the screen.

/// Both run in the page.
const inPage = {
  /// Texts that are hard to read: [{text, ratio}] below what level AA asks for. Disabled controls are exempt.
  faintTexts() {
    const parse = (colour) => {
      const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
      return { r, g, b, a };
    };
    const over = (top, below) => {
      const mix = (channel) => top[channel] * top.a + below[channel] * (1 - top.a);
      return { r: mix('r'), g: mix('g'), b: mix('b'), a: 1 };
    };
    const groundOf = (element) => {
      const layers = [];
      for (let one = element; one; one = one.parentElement) layers.push(parse(getComputedStyle(one).backgroundColor));
      return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
    };
    const luminance = ({ r, g, b }) => {
      const [red, green, blue] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (one, other) => {
      const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
      return (light + 0.05) / (dark + 0.05);
    };
    const faint = [];
    const judge = (element, colour, text) => {
      if (!element.checkVisibility() || element.closest(':disabled')) return;
      const { fontSize, fontWeight } = getComputedStyle(element);
      const size = Number.parseFloat(fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700);
      const ground = groundOf(element);
      const ratio = contrast(over(parse(colour), ground), ground);
      if (ratio < (isLarge ? 3 : 4.5)) faint.push({ text, ratio: Math.round(ratio * 100) / 100 });
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { parentElement, data } = texts.currentNode;
      if (data.trim() !== '') judge(parentElement, getComputedStyle(parentElement).color, data.trim());
    }
    for (const field of document.querySelectorAll('input, textarea')) {
      judge(field, getComputedStyle(field, field.value ? null : '::placeholder').color, field.value || field.placeholder);
    }
    return faint;
  },

  /// How much the grounds of two elements differ, from 1 to 21.
  groundContrast([one, other]) {
    const luminanceOf = (selector) => {
      const [r, g, b] = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[\d.]+/g).map(Number);
      const [red, green, blue] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const [light, dark] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  },
};

export const faintTexts = (tab) => tab.evaluate(inPage.faintTexts);

export const groundContrast = (tab, one, other) => tab.evaluate(inPage.groundContrast, [one, other]);

/// How many pixels one would have to scroll sideways.
export const overhang = (tab) =>
  tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
