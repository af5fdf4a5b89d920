/** Links inside the dashboard in the library's looks; `to`, `params` and `search` are checked against routes.tsx. */
import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import { type ComponentPropsWithoutRef, forwardRef } from 'react';

type Native<Own> = Own & Omit<ComponentPropsWithoutRef<'a'>, keyof Own>;

const PlainAnchor = forwardRef<HTMLAnchorElement, Native<AnchorProps>>((props, ref) => (
  <Anchor ref={ref} size="inherit" {...props} />
));
const PlainButton = forwardRef<HTMLAnchorElement, Native<ButtonProps>>((props, ref) => (
  <Button ref={ref} component="a" {...props} />
));

/** `<TextLink to="/teams/$teamId/networks" params={{ teamId }}>` */
export const TextLink = createLink(PlainAnchor);
/** The same, as a button. */
export const ButtonLink = createLink(PlainButton);
