using System.ComponentModel;
using System.Text.RegularExpressions;
using Cria.Chat;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Cria.Tests.Docs;

/// <summary>The examples of docs/tools.md run.</summary>
public sealed partial class ToolsGuideTests
{
    static readonly string Guide = File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "tools.md"));

    [Fact]
    public async Task AToolIsCalledAndItsResultTold()
    {
        var (response, streamed) = await Example();
        var call = response.Messages[0].Contents.OfType<FunctionCallContent>().Single();
        Assert.Equal(("get_weather", "Rome"), (call.Name, call.Arguments!["city"]?.ToString()));
        Assert.Contains("21", response.Text);
        Assert.Equal(response.Text, streamed.Text);
    }

    static async Task<(ChatResponse Whole, ChatResponse Streamed)> Example()
    {
        [Description("Get the weather of a city")]
        static string GetWeather([Description("The city")] string city) => "21 C, sunny";
        using var client = CriaChatClient.Load("pocket").AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { Temperature = 0, Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] };
        var response = await client.GetResponseAsync("What is the weather in Rome?", options);
        return (response, await client.GetStreamingResponseAsync("What is the weather in Rome?", options).ToChatResponseAsync());
    }

    [Fact]
    public async Task ACallCanBeRequired()
    {
        var call = (await Forced(new() { Tools = [AIFunctionFactory.Create((string city) => city, "get_weather")] })).Messages[0].Contents.OfType<FunctionCallContent>().Single();
        Assert.Equal("city", Assert.Single(call.Arguments!).Key);
    }

    static async Task<ChatResponse> Forced(ChatOptions options)
    {
        using var model = CriaChatClient.Load("pocket");
        var forced = new ChatOptions { Temperature = 0, ToolMode = ChatToolMode.RequireSpecific("get_weather"), AllowMultipleToolCalls = false, Tools = options.Tools };
        var reply = await model.GetResponseAsync("Rome, please!", forced);
        return reply;
    }

    [Fact]
    public async Task AContainerGivesTheClient()
    {
        var services = new ServiceCollection();
        services.AddCria("pocket").UseFunctionInvocation();
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        Assert.NotNull(client.GetService<FunctionInvokingChatClient>());
        Assert.Equal("pocket", client.GetService<ChatClientMetadata>()!.DefaultModelId);
    }

    [Fact]
    public void CodeOfTheGuideIsWhatRunsHere()
    {
        var compiled = File.ReadAllText(Path.Combine(TestFiles.Root, "tests", "Cria.Tests", "Docs", "ToolsGuideTests.cs"));
        Assert.All(CSharp().Matches(Guide).SelectMany(m => m.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Where(l => !l.StartsWith("Console.")), line => Assert.Contains(line, compiled));
    }

    [GeneratedRegex(@"^```csharp\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharp();
}
