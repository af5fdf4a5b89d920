{{/* Names, labels and what all pods have in common. */}}
{{- define "fusecast.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "fusecast.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Takes (list root component). */}}
{{- define "fusecast.selector" -}}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "fusecast.image" -}}
{{- if .Values.image.digest }}{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}{{ else }}{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}{{ end }}
{{- end }}

{{/* Of a pod: nobody's account, no token of the cluster, nothing to write but /tmp. */}}
{{- define "fusecast.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: { sizeLimit: 2Gi }
{{- end }}

{{/* Of a container. */}}
{{- define "fusecast.container" -}}
image: {{ include "fusecast.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: tmp, mountPath: /tmp }
{{- end }}

{{/* Of containers that serve: health is on the port of metrics, in every role. */}}
{{- define "fusecast.probes" -}}
startupProbe:
  httpGet: { path: /health/live, port: metrics }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /health/live, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /health/ready, port: metrics }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}

{{/* The environment of every role. */}}
{{- define "fusecast.environment" -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      {{- if .Values.cloudNativePg.enabled }}
      name: {{ include "fusecast.name" . }}-database-app
      key: uri
      {{- else }}
      name: {{ .Values.database.secret.name }}
      key: {{ .Values.database.secret.key }}
      {{- end }}
- { name: S3_ENDPOINT, value: {{ .Values.s3.endpoint | quote }} }
{{- with .Values.s3.publicEndpoint }}
- { name: S3_PUBLIC_ENDPOINT, value: {{ . | quote }} }
{{- end }}
- { name: S3_BUCKET, value: {{ .Values.s3.bucket | quote }} }
- { name: S3_REGION, value: {{ .Values.s3.region | quote }} }
- name: S3_ACCESS_KEY_ID
  valueFrom: { secretKeyRef: { name: {{ .Values.s3.secret.name }}, key: {{ .Values.s3.secret.accessKeyIdKey }} } }
- name: S3_SECRET_ACCESS_KEY
  valueFrom: { secretKeyRef: { name: {{ .Values.s3.secret.name }}, key: {{ .Values.s3.secret.secretAccessKeyKey }} } }
- { name: FUSECAST_URL, value: {{ .Values.url | quote }} }
- { name: LOG_LEVEL, value: {{ .Values.logLevel | quote }} }
{{- with .Values.tracing.endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- if .Values.mail.secret.name }}
- name: SMTP_URL
  valueFrom: { secretKeyRef: { name: {{ .Values.mail.secret.name }}, key: {{ .Values.mail.secret.key }} } }
- { name: MAIL_FROM, value: {{ .Values.mail.from | quote }} }
{{- end }}
{{- range $name, $value := .Values.settings }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{/* What only the API opens. */}}
{{- define "fusecast.sealing" -}}
- name: FUSECAST_SECRET_KEY
  valueFrom: { secretKeyRef: { name: {{ .Values.sealing.secret.name }}, key: {{ .Values.sealing.secret.key }} } }
{{- end }}
