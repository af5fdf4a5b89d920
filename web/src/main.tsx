/** Starts the dashboard: looks, the API's client, who is signed in, and the pages. */
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './styles.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { createApiClient } from './api/client';
import { router } from './routes';
import { SessionProvider } from './session';
import { theme } from './theme';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-right" />
      <Provider value={createApiClient()}>
        <SessionProvider>
          <RouterProvider router={router} />
        </SessionProvider>
      </Provider>
    </MantineProvider>
  </StrictMode>,
);
