/**
 * Every page by its URL. A page is a chunk of its own, loaded when it is first shown. A page of a team: a line in
 * `teamPages`, and one in shell/navigation.ts if the menu shall have it.
 */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouteComponent,
} from '@tanstack/react-router';
import type { IngestStatus, NetworkOrder } from './api/generated/graphql';
import { Failure, Loading } from './components/states';
import type { NetworksSearch } from './pages/networks/networks';
import { AccountLayout } from './shell/account-layout';
import { EntryLayout } from './shell/entry-layout';
import { NotFound } from './shell/not-found';
import { TeamLayout } from './shell/team-layout';

const root = createRootRoute({ notFoundComponent: NotFound });

const entry = createRoute({ getParentRoute: () => root, id: 'entry', component: EntryLayout });
const account = createRoute({ getParentRoute: () => root, id: 'account', component: AccountLayout });
const team = createRoute({ getParentRoute: () => root, path: '/teams/$teamId', component: TeamLayout });

/** Where to go after signing in; only places of this dashboard. */
function nextSearch(search: Record<string, unknown>): { next?: string } {
  const { next } = search;
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? { next } : {};
}

/** A page of a team: its path under /teams/$teamId, and its file with the name of the component. */
function teamPage<const Path extends string, Name extends string>(
  path: Path,
  load: () => Promise<Record<Name, RouteComponent>>,
  name: Name,
) {
  return createRoute({ getParentRoute: () => team, path, component: lazyRouteComponent(load, name) });
}

const teamPages = [
  teamPage('/', () => import('./pages/overview/overview'), 'OverviewPage'),
  teamPage('/predictors/$predictorId', () => import('./pages/predictors/predictor'), 'PredictorPage'),
  teamPage('/versions/$versionId', () => import('./pages/predictors/version'), 'VersionPage'),
  teamPage('/members', () => import('./pages/members/members'), 'MembersPage'),
  teamPage('/api-keys', () => import('./pages/api-keys/api-keys'), 'ApiKeysPage'),
  teamPage('/usage', () => import('./pages/usage/usage'), 'UsagePage'),
  teamPage('/settings', () => import('./pages/teams/settings'), 'TeamSettingsPage'),
] as const;

/** Of the search parameters those of these names that are texts with something in them. */
function textsOf<const Name extends string>(search: Record<string, unknown>, ...names: Name[]) {
  const given = names.filter((name) => typeof search[name] === 'string' && search[name]);
  return Object.fromEntries(given.map((name) => [name, search[name]])) as { [Each in Name]?: string };
}

const predictors = createRoute({
  getParentRoute: () => team,
  path: '/predictors',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'name', 'scenario'),
  component: lazyRouteComponent(() => import('./pages/predictors/predictors'), 'PredictorsPage'),
});

const train = createRoute({
  getParentRoute: () => team,
  path: '/predictors/train',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'name', 'scenario'),
  component: lazyRouteComponent(() => import('./pages/predictors/train'), 'TrainPage'),
});

const scenarios = createRoute({
  getParentRoute: () => team,
  path: '/scenarios',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'search'),
  component: lazyRouteComponent(() => import('./pages/scenarios/scenarios'), 'ScenariosPage'),
});

const NETWORK_ORDERS = Object.keys({
  NAME: true,
  FORMAT: true,
  OPS: true,
  PARAMETERS: true,
  MULTIPLY_ACCUMULATES: true,
  STATUS: true,
  CREATED: true,
} satisfies Record<NetworkOrder, true>) as NetworkOrder[];

const networks = createRoute({
  getParentRoute: () => team,
  path: '/networks',
  validateSearch: ({ search, status, sort, ascending }: Record<string, unknown>): NetworksSearch => ({
    ...(typeof search === 'string' && search && { search }),
    ...((status === 'PENDING' || status === 'READY' || status === 'REJECTED') && { status }),
    ...(NETWORK_ORDERS.includes(sort as NetworkOrder) && { sort: sort as NetworkOrder }),
    ...(ascending === true && { ascending }),
  }),
  component: lazyRouteComponent(() => import('./pages/networks/networks'), 'NetworksPage'),
});

const network = createRoute({
  getParentRoute: () => team,
  path: '/networks/$networkId',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'scenario'),
  component: lazyRouteComponent(() => import('./pages/networks/network'), 'NetworkPage'),
});

const compare = createRoute({
  getParentRoute: () => team,
  path: '/compare',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'a', 'b', 'on', 'leaveOut'),
  component: lazyRouteComponent(() => import('./pages/compare/compare'), 'ComparePage'),
});

const budgets = createRoute({
  getParentRoute: () => team,
  path: '/budgets',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'repository', 'branch', 'kind'),
  component: lazyRouteComponent(() => import('./pages/budgets/budgets'), 'BudgetsPage'),
});

const budgetCheck = createRoute({
  getParentRoute: () => team,
  path: '/budgets/$checkId',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'network', 'scenario'),
  component: lazyRouteComponent(() => import('./pages/budgets/budget-check'), 'BudgetCheckPage'),
});

const audit = createRoute({
  getParentRoute: () => team,
  path: '/audit',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'action', 'subject'),
  component: lazyRouteComponent(() => import('./pages/audit/audit'), 'AuditPage'),
});

const datasets = createRoute({
  getParentRoute: () => team,
  path: '/datasets',
  validateSearch: ({ status }: Record<string, unknown>): { status?: IngestStatus } => ({
    ...((status === 'PENDING' || status === 'READY' || status === 'REJECTED') && { status }),
  }),
  component: lazyRouteComponent(() => import('./pages/datasets/datasets'), 'DatasetsPage'),
});

const dataset = createRoute({
  getParentRoute: () => team,
  path: '/datasets/$datasetId',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'scenario'),
  component: lazyRouteComponent(() => import('./pages/datasets/dataset'), 'DatasetPage'),
});

const graphiql = createRoute({
  getParentRoute: () => team,
  path: '/graphiql',
  validateSearch: (search: Record<string, unknown>) => textsOf(search, 'query', 'variables'),
  component: lazyRouteComponent(() => import('./pages/graphiql/graphiql'), 'GraphiqlPage'),
});

const entryPages = [
  createRoute({
    getParentRoute: () => entry,
    path: '/sign-in',
    validateSearch: nextSearch,
    component: lazyRouteComponent(() => import('./pages/account/sign-in'), 'SignInPage'),
  }),
  createRoute({
    getParentRoute: () => entry,
    path: '/sign-up',
    component: lazyRouteComponent(() => import('./pages/account/sign-up'), 'SignUpPage'),
  }),
  createRoute({
    getParentRoute: () => entry,
    path: '/verify-email',
    component: lazyRouteComponent(() => import('./pages/account/verify-email'), 'VerifyEmailPage'),
  }),
  createRoute({
    getParentRoute: () => entry,
    path: '/forgot-password',
    component: lazyRouteComponent(() => import('./pages/account/forgot-password'), 'ForgotPasswordPage'),
  }),
  createRoute({
    getParentRoute: () => entry,
    path: '/reset-password',
    component: lazyRouteComponent(() => import('./pages/account/reset-password'), 'ResetPasswordPage'),
  }),
  createRoute({
    getParentRoute: () => entry,
    path: '/accept-invitation',
    component: lazyRouteComponent(() => import('./pages/account/accept-invitation'), 'AcceptInvitationPage'),
  }),
] as const;

const accountPages = [
  createRoute({
    getParentRoute: () => account,
    path: '/',
    component: lazyRouteComponent(() => import('./pages/teams/teams'), 'TeamsPage'),
  }),
  createRoute({
    getParentRoute: () => account,
    path: '/account',
    component: lazyRouteComponent(() => import('./pages/account/account'), 'AccountPage'),
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren([
    entry.addChildren(entryPages),
    account.addChildren(accountPages),
    team.addChildren([
      ...teamPages,
      networks,
      network,
      scenarios,
      predictors,
      train,
      compare,
      budgets,
      budgetCheck,
      datasets,
      dataset,
      audit,
      graphiql,
    ]),
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultPendingComponent: () => <Loading />,
  defaultErrorComponent: ({ error }) => (
    <Failure
      error={{ code: 'INTERNAL', message: 'This page has failed.', where: String(error), remedy: 'Load it again.' }}
      retry={() => window.location.reload()}
    />
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
