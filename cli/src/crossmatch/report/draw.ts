import { parse, type Spec, View } from 'vega';
import { COLOURS, type Picture } from './picture.js';

const FONT = 'system-ui, sans-serif';

/** The picture as SVG. Nothing is loaded: a specification that names a file or an address fails. */
export async function drawSvg({ spec }: Picture): Promise<string> {
  const whole: Spec = {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    padding: 8,
    autosize: 'pad',
    ...(spec as Omit<Spec, '$schema'>),
    config: {
      axis: {
        domainColor: COLOURS.quiet,
        tickColor: COLOURS.quiet,
        gridColor: 'var(--grid)',
        labelColor: COLOURS.ink,
        titleColor: COLOURS.ink,
        labelFont: FONT,
        titleFont: FONT,
        titleFontWeight: 'normal',
        labelFontSize: 12,
        titleFontSize: 13,
      },
      legend: { labelColor: COLOURS.ink, labelFont: FONT, labelFontSize: 12, labelLimit: 0, symbolStrokeWidth: 2 },
      text: { font: FONT },
    },
  };
  const refuse = (): Promise<never> => Promise.reject(new Error('a picture loads nothing'));
  const view = new View(parse(whole), {
    renderer: 'none',
    loader: { load: refuse, sanitize: refuse, http: refuse, file: refuse },
  });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
