"""The Grafana dashboards as code; scripts/grafana-dashboards writes them into deploy/grafana/dashboards."""
