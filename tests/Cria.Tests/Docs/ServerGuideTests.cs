using System.Net;
using System.Text.RegularExpressions;
using Cria.Tests.Server;

namespace Cria.Tests.Docs;

/// <summary>The examples of docs/server.md are answered.</summary>
public sealed partial class ServerGuideTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task ExamplesAreAnswered()
    {
        var examples = Example().Matches(File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "server.md")));
        Assert.NotEmpty(examples);
        foreach (Match example in examples)
        {
            using var response = example.Groups[1].Value == "POST" ? await server.SendAsync(example.Groups[2].Value, example.Groups[3].Value, cancellation: TestContext.Current.CancellationToken) : await server.Http.GetAsync(example.Groups[2].Value, TestContext.Current.CancellationToken);
            Assert.True(response.StatusCode == HttpStatusCode.OK, $"{example.Value}: {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
            Assert.False(response.Headers.Contains("x-cria-ignored-fields"), example.Value);
        }
    }

    [GeneratedRegex(@"^```http\n(GET|POST) (\S+)\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Example();
}
