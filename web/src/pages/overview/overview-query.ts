/** All that the overview shows, asked at once: what there is of each noun, newest first. */
import { graphql } from '../../api/generated';
import type { OverviewQuery } from '../../api/generated/graphql';

export const OVERVIEW = graphql(`
  query Overview {
    viewer { team { id usage { resource used maximum } } }
    datasets(first: 5) {
      edges { node { id name status networkRows kernelRows failure { code message where remedy } } }
    }
    readyDatasets: datasets(first: 1, filter: { status: READY }) {
      edges { node { id name networkRows kernelRows } }
    }
    networks(first: 40) {
      edges { node { id name status failure { code message where remedy } } }
      pageInfo { hasNextPage }
    }
    versions: predictorVersions(first: 5) {
      edges {
        node {
          id number status step fraction createdAt
          predictor { id name }
          scenario { name }
          failure { code message where remedy }
        }
      }
    }
    readyVersions: predictorVersions(first: 1, filter: { status: READY }) {
      edges { node { id number predictor { id name } scenario { name } report { networks endToEnd { mape } } } }
    }
    predictors(first: 8, filter: {}) {
      edges {
        node {
          id name
          scenario { name }
          versionInUse { id number inUseSince report { endToEnd { mape } } }
        }
      }
      pageInfo { hasNextPage }
    }
    predictions(first: 8) {
      edges {
        node {
          id createdAt latencyUs
          interval { lowerUs upperUs level }
          network { id name }
          scenario { name }
        }
      }
    }
    budgetChecks(first: 5) { edges { node { id createdAt repository branch commit verdict } } }
    failedJobs(first: 5) { edges { node { id name createdAt failure { message } } } }
    driftAlerts(first: 5, filter: { isOpen: true }) {
      edges { node { id createdAt signedError scenario { name } version { id number } } }
    }
  }
`);

export type Overview = OverviewQuery;
export type Version = Overview['versions']['edges'][number]['node'];

export function isRunning({ status }: Version): boolean {
  return status === 'QUEUED' || status === 'TRAINING';
}

/** Whether something goes on that a look a little later would see further on. */
export function hasRunningJobs({ datasets, networks, versions }: Overview): boolean {
  return (
    [...datasets.edges, ...networks.edges].some(({ node }) => node.status === 'PENDING') ||
    versions.edges.some(({ node }) => isRunning(node))
  );
}
