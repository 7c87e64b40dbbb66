using System.Text.Json;

namespace Cria.Training;

/// <summary>A step: its mean loss over its labels, learning rate, norm of the gradients before clipping, labels, share of the places that hold tokens, tokens so far, seconds.</summary>
sealed record StepMetrics(int Step, double Loss, double Rate, double GradientNorm, int Labels, double Filled, long Tokens = 0, double Seconds = 0);

/// <summary>The mean loss over the validation batches.</summary>
sealed record ValidationMetrics(int Step, double ValidationLoss);

/// <summary>Metrics as JSON lines: a line a step, and one a validation.</summary>
sealed class MetricsLog(string path)
{
    static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public void Add<T>(T metrics) => File.AppendAllText(path, JsonSerializer.Serialize(metrics, Options) + "\n");

    /// <summary>Forgets what came after a step: a resumed run writes it again.</summary>
    public void Cut(int step)
    {
        if (File.Exists(path))
            File.WriteAllLines(path, File.ReadAllLines(path).Where(l => JsonDocument.Parse(l).RootElement.GetProperty("step").GetInt32() <= step).ToList());
    }

    /// <summary>Training and validation losses by step.</summary>
    public (List<(int Step, double Loss)> Training, List<(int Step, double Loss)> Validation) ReadAll()
    {
        var (training, validation) = (new List<(int, double)>(), new List<(int, double)>());
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            using var json = JsonDocument.Parse(line);
            var step = json.RootElement.GetProperty("step").GetInt32();
            if (json.RootElement.TryGetProperty("loss", out var loss))
                training.Add((step, loss.GetDouble()));
            else
                validation.Add((step, json.RootElement.GetProperty("validation_loss").GetDouble()));
        }
        return (training, validation);
    }
}
