/** Runs in the page: texts whose contrast with what is behind them is under 4.5 (WCAG 1.4.3). */
// deno-lint-ignore no-explicit-any
export function poorContrast(document: any = (globalThis as any).document): string[] {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (color: string) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data] as number[];
  };
  const luminance = (color: number[]) =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
      const value = color[i]! / 255;
      return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    }, 0);
  const styleOf = document.defaultView.getComputedStyle;
  const poor: string[] = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || element.getClientRects().length === 0) continue;
    let behind = element;
    while (behind.parentElement && rgba(styleOf(behind).backgroundColor)[3]! < 255) {
      behind = behind.parentElement;
    }
    const [dark, light] = [rgba(styleOf(element).color), rgba(styleOf(behind).backgroundColor)]
      .map(luminance).sort((a, b) => a - b) as [number, number];
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5) {
      poor.push(`${contrast.toFixed(1)} ${element.className} ${element.innerText}`);
    }
  }
  return poor;
}
