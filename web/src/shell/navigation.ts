/** The menu of a team, in order. */
import {
  type Icon,
  IconActivity,
  IconArrowsDiff,
  IconBraces,
  IconChartDots,
  IconDatabase,
  IconDeviceMobile,
  IconGauge,
  IconGitPullRequest,
  IconHome,
  IconKey,
  IconSettings,
  IconTopologyStar3,
  IconUsers,
} from '@tabler/icons-react';
import type { LinkProps } from '@tanstack/react-router';

export interface NavigationItem {
  readonly label: string;
  readonly to: Extract<LinkProps['to'], `/teams/$teamId${string}`>;
  readonly icon: Icon;
  /** Only owners and admins may see what is there. */
  readonly administrators?: boolean;
}

/** Groups are divided by a line. */
export const NAVIGATION: readonly (readonly NavigationItem[])[] = [
  [{ label: 'Overview', to: '/teams/$teamId', icon: IconHome }],
  [
    { label: 'Networks', to: '/teams/$teamId/networks', icon: IconTopologyStar3 },
    { label: 'Scenarios', to: '/teams/$teamId/scenarios', icon: IconDeviceMobile },
    { label: 'Predictors', to: '/teams/$teamId/predictors', icon: IconChartDots },
    { label: 'Compare', to: '/teams/$teamId/compare', icon: IconArrowsDiff },
    { label: 'Budgets', to: '/teams/$teamId/budgets', icon: IconGitPullRequest },
    { label: 'Datasets', to: '/teams/$teamId/datasets', icon: IconDatabase },
  ],
  [
    { label: 'Members', to: '/teams/$teamId/members', icon: IconUsers },
    { label: 'API keys', to: '/teams/$teamId/api-keys', icon: IconKey, administrators: true },
    { label: 'Usage', to: '/teams/$teamId/usage', icon: IconGauge },
    { label: 'Audit', to: '/teams/$teamId/audit', icon: IconActivity, administrators: true },
    { label: 'Settings', to: '/teams/$teamId/settings', icon: IconSettings },
    { label: 'GraphiQL', to: '/teams/$teamId/graphiql', icon: IconBraces },
  ],
];
