using Cria.Models;

namespace Cria.Tests.Models;

static class TextModelSteps
{
    /// <summary>A forward that ends when the test is cancelled.</summary>
    public static void Step(this TextModel model, ReadOnlySpan<Row> rows, Span<float> logits) =>
        model.Forward(rows, logits, TestContext.Current.CancellationToken);
}
