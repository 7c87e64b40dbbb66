// The model calls a function of this program, and tells what it gave.
using System.ComponentModel;
using Cria.Chat;
using Microsoft.Extensions.AI;

using var client = CriaChatClient.Load(args.FirstOrDefault() ?? "pocket").AsBuilder().UseFunctionInvocation().Build();
var options = new ChatOptions { Temperature = 0, Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] };

var question = args.ElementAtOrDefault(1) ?? "What is the weather in Rome?";
Console.WriteLine(await client.GetResponseAsync(question, options));

[Description("Get the weather of a city")]
static string GetWeather([Description("The city")] string city)
{
    Console.WriteLine($"(looking out of the window in {city})");
    return "21 C, sunny";
}
