using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Cria.Server.Wire;
using Microsoft.Extensions.AI;

namespace Cria.Server.Http;

/// <summary>
/// What the server counts: instruments of the meter `Cria.Server`, which OpenTelemetry exports, and the same as Prometheus reads them. Thread-safe.
/// </summary>
sealed class Telemetry : IDisposable
{
    /// <summary>The name of the meter and of the source of traces.</summary>
    public const string Source = "Cria.Server";

    static readonly double[] Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

    readonly Meter _meter = new(Source);
    readonly MeterListener _listener = new();
    readonly Lock _gate = new();
    readonly SortedDictionary<string, (Instrument Instrument, SortedDictionary<string, double[]> Values)> _series = new(StringComparer.Ordinal);
    readonly Counter<long> _requests, _tokens;
    readonly Histogram<double> _seconds, _firstToken;

    public Telemetry()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
        _requests = _meter.CreateCounter<long>("cria_requests_total", null, "requests by path and status");
        _tokens = _meter.CreateCounter<long>("cria_tokens_total", null, "tokens of prompts, those of them that were cached, and of answers");
        _seconds = _meter.CreateHistogram<double>("cria_request_seconds", "s", "how long requests took");
        _firstToken = _meter.CreateHistogram<double>("cria_first_token_seconds", "s", "how long the first piece of an answer took");
        _meter.CreateObservableGauge("cria_resident_bytes", () => Environment.WorkingSet, null, "memory of the process");
    }

    /// <summary>A request has ended.</summary>
    public void Requested(string path, int status, TimeSpan taken)
    {
        _requests.Add(1, new("path", path), new("status", status));
        _seconds.Record(taken.TotalSeconds, new KeyValuePair<string, object?>("path", path));
    }

    /// <summary>A model has read and written.</summary>
    public void Generated(string model, Usage usage, TimeSpan? first)
    {
        _tokens.Add(usage.PromptTokens, new("model", model), new("kind", "prompt"));
        _tokens.Add(usage.PromptTokensDetails.CachedTokens, new("model", model), new("kind", "cached"));
        _tokens.Add(usage.CompletionTokens, new("model", model), new("kind", "answer"));
        if (first is { } wait)
            _firstToken.Record(wait.TotalSeconds, new KeyValuePair<string, object?>("model", model));
    }

    /// <summary>Something that each model has.</summary>
    public void Observe(string name, string description, Func<IEnumerable<(string Model, double Value)>> read) =>
        _meter.CreateObservableGauge(name, () => read().Select(r => new Measurement<double>(r.Value, new KeyValuePair<string, object?>("model", r.Model))), null, description);

    /// <summary>A model whose answers are traced.</summary>
    public IChatClient Trace(IChatClient client) => client.AsBuilder().UseOpenTelemetry(sourceName: Source).Build();

    /// <summary>Everything in Prometheus's text format.</summary>
    public string ToPrometheus()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        lock (_gate)
            foreach (var (name, (instrument, values)) in _series)
            {
                var kind = instrument is Histogram<double> ? "histogram" : instrument is Counter<long> ? "counter" : "gauge";
                text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {instrument.Description}\n# TYPE {name} {kind}\n");
                foreach (var (labels, value) in values)
                    if (kind == "histogram")
                        WriteHistogram(text, name, labels, value);
                    else
                        text.Append(CultureInfo.InvariantCulture, $"{name}{Braces(labels)} {value[0]}\n");
            }
        return text.ToString();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meter.Dispose();
    }

    /// <summary>A histogram's values: a count for each bound, cumulative, then the count and the sum.</summary>
    void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (key, tag) in tags)
            labels.Append(labels.Length > 0 ? "," : "").Append(CultureInfo.InvariantCulture, $"{key}=\"{tag?.ToString()?.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")}\"");
        lock (_gate)
        {
            if (!_series.TryGetValue(instrument.Name, out var series))
                _series[instrument.Name] = series = (instrument, new(StringComparer.Ordinal));
            if (!series.Values.TryGetValue(labels.ToString(), out var values))
                series.Values[labels.ToString()] = values = new double[instrument is Histogram<double> ? Bounds.Length + 2 : 1];
            if (instrument is Histogram<double>)
            {
                for (var i = 0; i < Bounds.Length; i++)
                    values[i] += value <= Bounds[i] ? 1 : 0;
                values[^2]++;
                values[^1] += value;
            }
            else
                values[0] = instrument is Counter<long> ? values[0] + value : value;
        }
    }

    static void WriteHistogram(StringBuilder text, string name, string labels, double[] values)
    {
        for (var i = 0; i <= Bounds.Length; i++)
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels},le=\"{(i < Bounds.Length ? Bounds[i] : "+Inf")}\"}} {values[i]}\n");
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{Braces(labels)} {values[^1]}\n{name}_count{Braces(labels)} {values[^2]}\n");
    }

    static string Braces(string labels) => labels.Length > 0 ? $"{{{labels}}}" : "";
}
