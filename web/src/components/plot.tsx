/** A plot by Observable Plot, as wide as its place, in the colours of the scheme. Knows marks; must not know nouns. */

import { useElementSize } from '@mantine/hooks';
import * as Plot from '@observablehq/plot';
import { useEffect, useRef } from 'react';

export interface PlotFigureProps {
  /** What is to be seen, for who cannot see it. */
  readonly label: string;
  /** Without width; stable between renders, or it is drawn anew. */
  readonly options: Plot.PlotOptions;
}

export function PlotFigure({ label, options }: PlotFigureProps) {
  const { ref, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!width || !place.current) return;
    const style = { background: 'transparent', fontSize: '12px', ...(options.style as object | undefined) };
    // On a phone margins leave room for the marks.
    const marginLeft = Math.min(options.marginLeft ?? 40, 0.45 * width);
    const marginRight = Math.min(options.marginRight ?? 20, 0.25 * width);
    const drawing = Plot.plot({ ...options, width, marginLeft, marginRight, style });
    drawing.setAttribute('aria-hidden', 'true');
    place.current.replaceChildren(drawing);
    return () => drawing.remove();
  }, [options, width]);
  return (
    <div ref={ref} className="plot">
      <div ref={place} role="img" aria-label={label} />
    </div>
  );
}
